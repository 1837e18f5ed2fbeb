// On a phone each row of a table stands as a card (desk.css): every cell gets its column's heading for it. Without this script the cards have none.
(() => {
  'use strict';
  function name() {
    for (const table of document.querySelectorAll('.desk table:has(thead)')) {
      const heads = [...table.tHead.rows[0].cells].map(cell => cell.textContent.trim());
      for (const body of table.tBodies) for (const row of body.rows) {
        let column = 0;
        for (const cell of row.cells) {
          if (cell.colSpan === 1) cell.dataset.head = heads[column] || '';
          column += cell.colSpan;
        }
      }
    }
  }
  name();
  // What the server sends later comes without.
  document.addEventListener('htmx:load', name);
})();
