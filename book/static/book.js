// Figures with sliders whose pictures lighten.py has made files: each begins when it comes near.
const near = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      const waiting = target.querySelector("script[type='text/waiting']");
      const script = document.createElement("script");
      script.textContent = waiting.textContent;
      waiting.replaceWith(script); // runs it
    }
  },
  { rootMargin: "600px" },
);
for (const waiting of document.querySelectorAll("script[type='text/waiting']")) {
  near.observe(waiting.parentElement);
}

// A formula that is wider than the page is scrolled, by keys as well.
function reachFormulas() {
  for (const formula of document.querySelectorAll("div.math")) {
    formula.tabIndex = formula.scrollWidth > formula.clientWidth ? 0 : -1;
  }
}
reachFormulas();
addEventListener("resize", reachFormulas);
