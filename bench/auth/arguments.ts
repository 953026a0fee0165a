/** A number of the command line, `--races=200`. */
export function numberArgument(name: string, usual: number): number {
  const word = process.argv.find((one) => one.startsWith(`--${name}=`));
  if (word === undefined) return usual;
  const value = Number(word.slice(name.length + 3));
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} is a whole number from 1 on`);
  return value;
}
