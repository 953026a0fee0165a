import { Inject } from '@nestjs/common';

/** Injection token of the database of a feature. */
export function getDatabaseToken(feature: string): string {
  return `database:${feature}`;
}

/** Injects the FeatureDatabase that `DatabaseModule.forFeature(feature, …)` gives to the importing module. */
export function InjectDatabase(feature: string): ParameterDecorator & PropertyDecorator {
  return Inject(getDatabaseToken(feature));
}
