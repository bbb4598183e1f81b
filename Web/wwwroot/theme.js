// The colours that the user chose, "light" or "dark"; without a choice, the system's. Runs before anything is painted.
window.appTheme = {
  chosen() {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage is switched off in this browser
    }
  },

  choose(theme) {
    document.documentElement.style.colorScheme = theme ?? "";
    try {
      if (theme) {
        localStorage.setItem("theme", theme);
      } else {
        localStorage.removeItem("theme");
      }
    } catch {
      // The choice lasts as long as the page.
    }
  },
};
document.documentElement.style.colorScheme = window.appTheme.chosen() ?? "";
