/** Read before anything else is loaded, which takes most of a second: npm may be ended in that time, and its shell be gone. */
const parentId = process.ppid;

const { run } = await import('./run.js');
await run(parentId);
