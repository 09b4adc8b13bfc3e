/** Whether an execution goes on, by the status that the server tells of it. */
export const isOpenStatus = (name: string): boolean => name === 'RUNNING' || name === 'PAUSED';
