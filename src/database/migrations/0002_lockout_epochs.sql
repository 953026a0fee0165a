ALTER TABLE "lockouts" ADD COLUMN "nobodys" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "lockout_epoch" integer DEFAULT 1 NOT NULL;