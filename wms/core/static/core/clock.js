// Counts ship-bys down between two answers of the server, in the words that the page brought along. Without this script the text stands still.
(() => {
  'use strict';
  const fill = (text, values) => text.replace(/%\((\w+)\)[ds]/g, (_, name) => values[name]);
  const span = (words, seconds) => {
    const all = Math.floor(Math.abs(seconds) / 60), hours = Math.floor(all / 60), minutes = all % 60;
    if (all < 60) return fill(words.minutes, { count: all });
    if (hours < 10 && minutes) return fill(words.both, { hours, minutes });
    return hours < 48 ? fill(words.hours, { hours }) : fill(words.days, { days: Math.floor(hours / 24) });
  };
  const words = JSON.parse(document.getElementById('clock-words')?.textContent || 'null');
  if (!words) return;
  // The server's clock counts, not the handheld's.
  const ahead = Date.now() - words.now;
  function tick() {
    if (document.hidden) return;
    for (const time of document.querySelectorAll('time[data-due]')) {
      const left = (new Date(time.dateTime) - Date.now() + ahead) / 1000;
      const tone = left < 0 ? 'bad' : left < words.soon ? 'warn' : 'calm';
      time.className = 'due due-' + tone;
      time.querySelector('i').textContent = words.icons[tone];
      time.querySelector('span').textContent = fill(left < 0 ? words.late : words.left, { span: span(words, left) });
    }
  }
  setInterval(tick, 15000);
  document.addEventListener('visibilitychange', tick);
})();
