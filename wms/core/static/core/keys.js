// Keys that are secret are dots until somebody wants to see them. Without this script they stay dots.
(() => {
  'use strict';
  for (const choice of document.querySelectorAll('[data-show-keys]')) {
    const box = choice.querySelector('input');
    const show = () => { for (const field of box.form.querySelectorAll('[data-secret]')) field.type = box.checked ? 'text' : 'password'; };
    choice.hidden = false;
    box.addEventListener('change', show);
    show();
  }
})();
