/* Tells the page around this frame how high it is, so that nothing has to be scrolled twice. */
(function () {
  "use strict";
  function tell() {
    parent.postMessage({ directoryHeight: document.documentElement.scrollHeight }, "*");
  }
  addEventListener("load", tell);
  if (window.ResizeObserver) {
    new ResizeObserver(tell).observe(document.body);
  }
})();
