// Light, dark, or as the system says.

import { sign } from "./workspace.icons.js";

const NEXT = { auto: "light", light: "dark", dark: "auto" };
const WORDS = { auto: "as the system says", light: "light", dark: "dark" };

function show(button, theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  button.replaceChildren(sign({ auto: "half", light: "sun", dark: "moon" }[theme]));
  button.title = `Colours: ${WORDS[theme]}`;
  button.setAttribute("aria-label", button.title);
}

/** Let this button switch, and remember what was chosen. */
export function startTheme(button) {
  const stored = () => localStorage.getItem("workspace-theme") || "auto";
  show(button, stored());
  button.addEventListener("click", () => {
    localStorage.setItem("workspace-theme", NEXT[stored()]);
    show(button, stored());
  });
}
