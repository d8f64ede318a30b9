// Stands in for the computing process of a server: does as the analysis's id says.
let hoard = [];
process.on("message", (message) => {
  if (message.type === "setup") return;
  const { id } = message.request;
  if (id === "spin") for (;;);
  if (id === "die") process.exit(7);
  if (id === "hoard") {
    hoard = [Buffer.alloc(400e6, 1)];
    return;
  }
  process.send({ type: "progress", done: 1, total: 2 });
  process.send({ type: "done", json: JSON.stringify({ id, pid: process.pid, hoard: hoard.length }) });
});
