/* Figures that take a moment are asked for as the page stands; without this script there is a button. */
(function () {
  var form = document.querySelector("form[data-run]");
  if (form) form.requestSubmit();
})();
