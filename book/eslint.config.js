import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["live/build/"] },
  js.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser } },
    rules: {
      "curly": ["error", "multi-line"],
      "eqeqeq": "error",
      "no-shadow": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  { files: ["live/tests/**", "typeset.js"], languageOptions: { globals: { ...globals.node } } },
];
