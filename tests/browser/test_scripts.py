"""A hundred ways to make a page run what an item brings along, on every page that shows items: nothing runs.

`page` fails a test for a dialog, an error, or a script that only the Content-Security-Policy stopped: items must be clean before.
"""

from __future__ import annotations

import itertools

import pytest
import redis.asyncio
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.desks import Desk
from tests.browser.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUN = "alert(1)"
HANDLERS = "onerror onload onclick onmouseover onfocus onanimationstart ontoggle onbegin onpointerenter onscrollend"
TAGS = [
    "img src=x",
    "svg",
    "body",
    "details open",
    "video src=x",
    "audio src=x",
    "input autofocus",
    "marquee",
    "b style=display:block",
]
SCHEMES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "javascript&colon;alert(1)",
    "&#106;avascript:alert(1)",
    "&#x6A;&#x61;vascript&#58;alert(1)",
    "\x01javascript:alert(1)",
    "vbscript:msgbox(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "blob:http://127.0.0.1/x",
    "file:///etc/passwd",
    "//127.0.0.1:1/x",
]
WHOLE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=data:,alert(1)></SCRIPT>",
    "<script/x>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script>alert(1)",
    "<<script>alert(1)//<</script>",
    "</script><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=alert(1)>#x'>",
    "<svg><foreignObject><iframe srcdoc='<script>alert(1)</script>'></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=alert(1)&gt;'>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<object data='javascript:alert(1)'></object>",
    "<embed src='javascript:alert(1)'>",
    "<base href='javascript:/a/+alert(1)//'>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href='data:text/css,*{x:expression(alert(1))}'>",
    "<style>@import 'javascript:alert(1)';*{background:url(javascript:alert(1))}</style>",
    "<div style='background:url(javascript:alert(1));width:expression(alert(1))'>x</div>",
    "<form action='javascript:alert(1)'><button>x</button></form>",
    "<button formaction='javascript:alert(1)'>x</button>",
    "<isindex action='javascript:alert(1)' type=image>",
    "<table background='javascript:alert(1)'>",
    "<template><script>alert(1)</script></template>",
    "<custom-element onclick=alert(1)>x</custom-element>",
    "<live-feed src=x onerror=alert(1)></live-feed>",
    "<a href='https://a.example' target=_blank onclick=alert(1)>x</a>",
    "<img src=x:x onerror='alert(1)' src=y",
    "<img src='x' onerror=\"alert(1)\"//",
    "<img src=`x` onerror=alert(1)>",
    "<img \x00src=x onerror=alert(1)>",
    "<img/src=x/onerror=alert(1)>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[><img src=x onerror=alert(1)>]]>",
    "<?xml ><img src=x onerror=alert(1)?>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u202e<script>alert(1)</script>\u202c",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "'-alert(1)-'",
    '";alert(1);//',
    "</script><!--<script>",
    "]]></script><script>alert(1)</script>",
]
VECTORS = [f"<{tag} {handler}={RUN}>x" for tag, handler in zip(itertools.cycle(TAGS), HANDLERS.split() * 3, strict=False)]
VECTORS += [f'<a href="{scheme}">x</a>' for scheme in SCHEMES] + WHOLE + [f"<img src='{scheme}' alt=x>" for scheme in SCHEMES[:6]]

FOUND = """() => {
  const bad = [];
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on") || name === "srcdoc") bad.push(`${element.tagName} ${name}`);
      if (!/^(href|src|action|formaction|xlink:href|data|background)$/.test(name)) continue;
      const { protocol } = new URL(value, location.href);
      if (!["http:", "https:", "mailto:"].includes(protocol)) bad.push(`${element.tagName} ${name}=${value}`);
    }
    if (element.matches("script:not([src]):not([type='application/ld+json']), iframe, object, embed, base, meta[http-equiv]"))
      bad.push(element.tagName);
  }
  return bad;
}"""


async def publish_all(site: Site, feed: str) -> str:
    """One item for each vector, with it in every text; gives an item's id."""
    items = [
        {
            "headline": f"News {vector}"[:300],
            "bodyHtml": f"<p>Text.</p>{vector}",
            "summary": vector,
            "by": vector[:200],
            "located": vector[:200],
            "slugline": vector[:100],
            "correction": vector,
            "tags": [f"tag {vector}"[:64]],
            "infoSources": [{"name": f"Agency {vector}"[:100]}],
            "pinned": number % 10 == 0,
            "keyEvent": number % 3 == 0,
        }
        for number, vector in enumerate(VECTORS)
    ]
    await site.batch(feed, items)
    kept = await site.items(feed)
    assert len(set(VECTORS)) >= 100
    assert len(kept) >= 90
    return str(kept[0]["id"])


async def assert_clean(page: Page) -> None:
    assert await page.evaluate(FOUND) == []


async def test_on_the_readers_pages_nothing_runs(page: Page, site: Site, feed: str) -> None:
    item = await publish_all(site, feed)
    await page.goto(f"{site.url}/read/{feed}")
    await expect(page.locator(".masthead .state")).to_have_text("Live")
    await assert_clean(page)
    # Once more, while the page is open: what comes live takes another way into it.
    await publish_all(site, feed)
    await site.publish(feed, headline="The last one")
    await expect(page.get_by_text("The last one")).to_be_attached()
    await assert_clean(page)
    for path in (f"/read/{feed}/{item}", f"/wall/{feed}", "/"):
        await page.goto(site.url + path)
        await page.wait_for_load_state("load")
        await assert_clean(page)


async def test_on_the_desk_nothing_runs(page: Page, site: Site, feed: str) -> None:
    await publish_all(site, feed)
    desk = await Desk.open(page, site, feed)
    await expect(desk.rows.first).to_be_visible()
    await assert_clean(page)
    for row in range(0, await desk.rows.count(), 10):
        await desk.rows.nth(row).click()
        await assert_clean(page)


async def test_what_was_never_cleaned_does_not_run_either(context: BrowserContext, site: Site, feed: str) -> None:
    """Somebody who writes into Redis, past the door: the policy of the page is the second lock."""
    item = await site.publish(feed, bodyHtml="<p>Clean.</p>")
    name = f"livefeed:{{{feed}}}:item:{item['id']}"
    async with redis.asyncio.Redis.from_url(site.store.url) as store:
        stored = await store.hget(name, "data")
        assert isinstance(stored, bytes)
        for vector in ("<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "<svg onload=alert(1)>"):
            await store.hset(name, "data", stored.replace(b"<p>Clean.</p>", f"<p>Dirty.</p>{vector}".encode()))
            page = await context.new_page()
            said: list[str] = []
            page.on("dialog", lambda dialog: said.append(dialog.message))  # noqa: B023  # read before the next turn
            await page.goto(f"{site.url}/read/{feed}/{item['id']}")
            await expect(page.get_by_text("Dirty.").first).to_be_visible()
            assert said == []
            await page.close()
