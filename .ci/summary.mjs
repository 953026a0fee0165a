// @ts-check
/**
 * Prints what failed and then the closing line of `.ci/run`, and exits non-zero unless everything passed:
 *   node .ci/summary.mjs <vitest report> <exit code of npm test> <number of other failed steps>
 * A test file that could not even be loaded counts as one failure, and so does a run that failed without
 * naming a test (an unhandled error, a report that was never written, no test at all).
 */
import { existsSync, readFileSync } from 'node:fs';

const [reportFile = '', exitCode = '1', failedSteps = '0'] = process.argv.slice(2);

/** @typedef {{ status: string, fullName: string, failureMessages: string[] }} TestResult */
/** @typedef {{ status: string, name: string, message: string, assertionResults: TestResult[] }} FileResult */

/** @type {{ testResults: FileResult[] }} */
const { testResults } = existsSync(reportFile)
  ? JSON.parse(readFileSync(reportFile, 'utf8'))
  : { testResults: [] };

const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
/** @type {(status: string) => number} */
const count = (status) => tests.filter((test) => test.status === status).length;

const passed = count('passed');
const brokenFiles = testResults.filter(
  ({ status, assertionResults }) =>
    status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
).length;
let failed = count('failed') + brokenFiles;
if (failed === 0 && (Number(exitCode) !== 0 || passed === 0)) failed = 1;
failed += Number(failedSteps);

for (const { name, status, message, assertionResults } of testResults) {
  const failures = assertionResults.filter((test) => test.status === 'failed');
  for (const { fullName, failureMessages } of failures)
    console.log(`FAILED ${name}: ${fullName}: ${beginning(failureMessages.join(' '))}`);
  if (status === 'failed' && failures.length === 0) console.log(`FAILED ${name}: ${beginning(message)}`);
}
const skipped = tests.length - passed - count('failed');
if (skipped > 0) console.log(`${skipped} skipped`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/**
 * The whole stands further up; here it must not push the other failures out of sight.
 *
 * @param {string} text
 */
function beginning(text) {
  return text.replace(/\s+/g, ' ').slice(0, 300);
}
