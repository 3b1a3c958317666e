// What the Node peers have in common: `GET /publish?count&rate&bytes` lets them send events of their own making.
export function event(number, bytes) {
  const text = JSON.stringify({ id: number, data: { headline: `x ~ts=${BigInt(Date.now()) * 1000000n + (process.hrtime.bigint() % 1000000n)} #${number}`, body: "" } });
  return text.slice(0, -3) + "x".repeat(Math.max(0, bytes - text.length)) + text.slice(-3);
}

export function publishing(request, response, send) {
  const query = new URL(request.url, "http://x").searchParams;
  const [count, rate, bytes] = ["count", "rate", "bytes"].map((name) => Number(query.get(name)));
  let number = 0;
  const done = () => response.end();
  if (!rate) {
    while (number < count) send(event(number, bytes), number++);
    return done();
  }
  const timer = setInterval(() => {
    send(event(number, bytes), number++);
    if (number === count) { clearInterval(timer); done(); }
  }, 1000 / rate);
}
