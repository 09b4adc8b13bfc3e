/** What stands in ids and texts of a fan-out's steps for the number that is known at run time only. */
export const NUMBER_MARK = '\uE000n\uE001';

/** A mark, or what is left of one where a long text was cut. */
const PART_OF_MARK = /\uE000(?:n\uE001?)?|\uE001/g;

/** The text with the number open, `{n}`, as authors write it. */
export function withOpenNumber(text: string): string {
  return text.replaceAll(NUMBER_MARK, '{n}');
}

/** The message with nothing of a mark in it. */
export function withoutMarks(message: string): string {
  return message.replaceAll(PART_OF_MARK, '{n}');
}
