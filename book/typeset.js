// Sets formulas for formulas.py: reads {tex, display} as JSON, one a line, and writes for each
// {html}, a drawing with MathML for who listens, or {error}.
import { createInterface } from "node:readline";
import mathjax from "mathjax";

const MathJax = await mathjax.init({
  loader: { load: ["input/tex-full", "output/svg", "a11y/assistive-mml"] },
  tex: {
    packages: ["base", "ams", "boldsymbol", "newcommand"],
    formatError: (_, error) => { throw error; },
  },
  svg: { fontCache: "local" },
});

for await (const line of createInterface({ input: process.stdin })) {
  const { tex, display } = JSON.parse(line);
  let answer;
  try {
    answer = { html: MathJax.startup.adaptor.outerHTML(MathJax.tex2svg(tex, { display })) };
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
