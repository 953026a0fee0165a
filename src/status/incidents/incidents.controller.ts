import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { NoStore, OpsOnly } from '../../http/index.js';
import { StatusEvents } from '../status-events.js';
import { IncidentDto } from '../status.dto.js';
import { Incidents } from './incidents.js';

/** Operators say that something is wrong; whoever has subscribed is told. */
@Controller('status/incidents')
@OpsOnly()
export class IncidentsController {
  constructor(
    private readonly incidents: Incidents,
    private readonly events: StatusEvents,
  ) {}

  @Post()
  @HttpCode(201)
  @NoStore()
  async post(@Body() { id, severity, title, body }: IncidentDto) {
    const posted = await this.incidents.post({ id: id ?? undefined, severity, title, body });
    this.events.note('status-incident', { incident_id: posted.id, severity, deliveries: posted.deliveries });
    return posted;
  }
}
