/** The same question, asked often within one act, is asked of the server once. */
export function askedOnce<Answer>(ask: (about: string) => Promise<Answer>): (about: string) => Promise<Answer> {
  const answers = new Map<string, Promise<Answer>>();
  return (about) => {
    const answer = answers.get(about) ?? ask(about);
    answers.set(about, answer);
    return answer;
  };
}
