// The style of <live-feed> in its shadow root.

export const SHADOW = `
:host {
  display: block;
  position: relative;
  font: var(--live-feed-font, 1rem/1.5 system-ui, sans-serif);
  color: var(--live-feed-ink, inherit);
  overflow-anchor: none;
}
:host([hidden]), [hidden] { display: none !important; }
ol { margin: 0; padding: 0; list-style: none; }
h2, h3, p, figure { margin: 0; }
a { color: inherit; }
:focus-visible { outline: 3px solid var(--live-feed-accent, #0b4f71); outline-offset: 2px; }
.day h2 { padding-block: .5em; font-size: .875em; }
.entry { padding-block: .875em; border-block-start: 1px solid var(--live-feed-rule, rgb(128 128 128 / 35%)); }
.when { display: flex; gap: .6em; font-size: .8125em; font-variant-numeric: tabular-nums; opacity: .8; }
.when a { text-decoration: none; font-weight: 600; }
.labels { display: flex; gap: .5em; font-size: .75em; font-weight: 700; }
.breaking { padding-inline: .5em; background: var(--live-feed-alarm, #a3160e); color: #fff; }
.corrected { padding-inline: .5em; border: 1px solid; }
h3 { font-size: 1.125em; font-weight: 700; line-height: 1.3; font-family: var(--live-feed-headline-font, inherit); }
h3 a { text-decoration: none; }
h3 a:hover { text-decoration: underline; }
.body { margin-block-start: .35em; }
.body > * + * { margin-block-start: .6em; }
.body.long { max-height: 12em; overflow: hidden; mask: linear-gradient(#000 75%, transparent); }
.correction { margin-block-start: .35em; padding-inline-start: .75em; border-inline-start: 3px solid; }
.picture { margin-block-start: .6em; }
.picture img { display: block; width: 100%; height: auto; }
.picture img.missing { visibility: hidden; }
figcaption, .sources, .foot { margin-block-start: .35em; font-size: .8125em; opacity: .8; }
.foot { display: flex; flex-wrap: wrap; gap: .25em 1em; }
.tag { text-decoration: none; }
.tag::before { content: "#"; }
.share, .edit { padding: 0; border: 0; background: none; font: inherit; color: inherit; cursor: pointer; }
.gone { font-style: italic; opacity: .8; }
.toast {
  position: sticky; inset-block-start: .75em; z-index: 5; display: block; width: max-content; margin: 0 auto -2.75em;
  min-height: 2.75em; padding: .5em 1.25em; border: 0; border-radius: 99em; font: inherit; font-weight: 600; cursor: pointer;
  background: var(--live-feed-accent, #0b4f71); color: var(--live-feed-on-accent, #fff);
}
.announcement { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.mark { display: block; height: 1px; margin-block-end: -1px; }
.more { padding-block: 1em; }
`;
