// Switches between light and dark.

function makeSchemeButton() {
  const schemes = ["auto", "light", "dark"];
  const button = document.createElement("button");
  let now = 0;
  const show = () => {
    document.documentElement.dataset.scheme = schemes[now];
    button.textContent = `Colors: ${schemes[now]}`;
  };
  button.type = "button";
  button.className = "scheme";
  button.addEventListener("click", () => {
    now = (now + 1) % schemes.length;
    show();
  });
  show();
  document.querySelector("header").prepend(button);
}

makeSchemeButton();
