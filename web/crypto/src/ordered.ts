const IN_FLIGHT = 4; // enough to keep two cores busy, little enough to stay small

/** Calls `produce` for 0…count−1, a few at once, and gives the results in order. */
export async function* ordered<T>(count: number, produce: (index: number) => Promise<T>): AsyncGenerator<T, void, undefined> {
  const pending: Promise<T>[] = [];
  for (let next = 0; next < count || pending.length > 0; ) {
    while (next < count && pending.length < IN_FLIGHT) {
      const result = produce(next);
      result.catch(() => undefined); // reported when its turn comes
      pending.push(result);
      next += 1;
    }
    const first = pending.shift();
    if (first) yield await first;
  }
}
