import { AppModule } from './app.module.js';
import { SettingsError, dynamicModulesOf, settingsIn } from './config/index.js';
import type { Application } from './cli/cli-context.js';

/** The application as the command line sees it: its modules and its settings, nothing built, nothing connected. */
export const application: Application = {
  modules: () => dynamicModulesOf(AppModule.house()),
  async start() {
    try {
      const modules = await dynamicModulesOf(await AppModule.register());
      return { modules, settings: settingsIn(modules) };
    } catch (error) {
      if (error instanceof SettingsError) return { refusal: error };
      throw error;
    }
  },
};
