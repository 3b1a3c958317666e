// Sets the chosen theme, dark or light, before the first paint; by default the system's.
{
  const root = document.documentElement;
  const chosen = localStorage.getItem("livefeed.theme");
  if (chosen) root.dataset.theme = chosen;
  addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector(".theme");
    if (!button) return;
    button.hidden = false;
    button.addEventListener("click", () => {
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      localStorage.setItem("livefeed.theme", root.dataset.theme);
    });
  });
}
