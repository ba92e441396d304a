// A browser that sends no cookie back (a frame of another site, where such are blocked) names itself by
// the ticket that came with the page, for as long as the page is open. Runs before all other scripts.
(() => {
  const [page] = performance.getEntriesByType("navigation");
  const ticket = page?.serverTiming?.find(({ name }) => name === "guest")?.description;
  if (!ticket) return;
  window.parleyGuest = ticket;
  const ask = window.fetch;
  window.fetch = (what, how) => {
    const url = new URL(what instanceof Request ? what.url : what, location.href);
    if (url.origin !== location.origin) return ask(what, how);
    const request = new Request(what, how);
    request.headers.set("x-parley-guest", ticket);
    return ask(request);
  };
})();
