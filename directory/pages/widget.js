/* The search of a directory in another site: <script src="…/directory/widget.js" async></script>
   Options: data-lang, data-need, data-where, data-height (pixels, at first). */
(function () {
  "use strict";
  var known = __KNOWN__;
  var script = document.currentScript;
  if (!script || !script.parentNode || !isAllowed(location.host, location.hostname)) {
    return;
  }
  var language = chosen();
  var words = known.words[language];

  function isAllowed(host, name) {
    return known.hosts.some(function (one) {
      var isPart = one.indexOf("*.") === 0 && (host + "/").indexOf(one.slice(1) + "/") > 0;
      return one === host || one === name || isPart;
    });
  }

  function chosen() {
    var languages = Object.keys(known.words);
    var asked = [script.getAttribute("data-lang"), document.documentElement.lang];
    for (var i = 0; i < asked.length; i++) {
      var wanted = (asked[i] || "").toLowerCase();
      for (var j = 0; j < languages.length; j++) {
        var one = languages[j].toLowerCase();
        if (wanted === one || wanted.split("-")[0] === one.split("-")[0]) {
          return languages[j];
        }
      }
    }
    return languages[0];
  }

  function address() {
    var parts = ["lang=" + encodeURIComponent(language), "by=script"];
    ["need", "where"].forEach(function (name) {
      var value = script.getAttribute("data-" + name);
      if (value) {
        parts.push(name + "=" + encodeURIComponent(value));
      }
    });
    return known.frame + "?" + parts.join("&");
  }

  var place = document.createElement("div");
  var root = place.attachShadow ? place.attachShadow({ mode: "closed" }) : place;
  var frame = document.createElement("iframe");
  frame.src = address();
  frame.title = words.title;
  frame.referrerPolicy = "no-referrer";
  frame.loading = "lazy";
  frame.style.cssText = "all:initial;display:block;width:100%;border:0;height:" +
    (parseInt(script.getAttribute("data-height"), 10) || 480) + "px";
  var line = document.createElement("p");
  line.lang = language;
  line.textContent = words.emergency;
  line.style.cssText = "all:initial;color-scheme:light dark;display:block;padding:8px 4px;" +
    "color:CanvasText;background:Canvas;font:14px/1.4 system-ui,sans-serif";
  root.appendChild(line);
  root.appendChild(frame);
  script.parentNode.insertBefore(place, script.nextSibling);

  addEventListener("message", function (event) {
    var height = event.source === frame.contentWindow && event.data && event.data.directoryHeight;
    if (typeof height === "number" && height > 0) {
      frame.style.height = Math.min(Math.max(height, 160), 6000) + "px";
    }
  });
})();
