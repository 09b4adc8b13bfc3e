/** What a program that drives an agent asks its door between the agent's turns: a method of the protocol, and no tool of the agent's. */
export const NEWS = 'gastown/news';

/** `text`: what the agent is to be told, null for nothing. `hasEnded`: it has ended its session. */
export type News = { readonly text: string | null; readonly hasEnded: boolean };
