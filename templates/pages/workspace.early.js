// Before anything is drawn, so that a chosen theme does not flash.
const theme = localStorage.getItem("workspace-theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
