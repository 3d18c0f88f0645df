-- Classes of a report as functions of report.typ. Text is written by pandoc, which escapes it; only the constants and
-- strings quoted below go into the typst source as they are.

local blocks = pandoc.List({"sq-finding", "sq-statement", "sq-judgement", "sq-quote", "sq-caption", "sq-figure",
  "sq-figure-label", "sq-table-label", "sq-note", "sq-absent", "sq-problems", "sq-prose", "sq-appendix",
  "sq-scroll", "sq-signature"})
local spans = pandoc.List({"sq-strength", "sq-est", "sq-ci", "sq-range", "sq-verdict"})

local function quoted(text)
  return '"' .. text:gsub('[\\"]', '\\%0'):gsub('%c', ' ') .. '"'
end

-- Name and variants of what bears a known class: sq-finding, ("sq-strong",)
local function call(known, classes)
  local name = classes:find_if(function(class) return known:includes(class) end)
  if not name then return nil end
  local others = classes:filter(function(class) return class ~= name end):map(quoted)
  return "#" .. name .. "((" .. table.concat(others, ",") .. (#others > 0 and "," or "") .. "))["
end

local function raw(text) return pandoc.RawBlock("typst", text) end

local function wrapped(opening, content, closing)
  content:insert(1, raw(opening))
  content:insert(raw(closing or "]"))
  return content
end

function Div(box)
  if box.classes:includes("sq-strip") then return wrapped("#sq-strip(", box.content, ")") end
  if box.classes:includes("sq-fact") then return wrapped("[", box.content, "],") end -- an argument of the strip
  local opening = call(blocks, box.classes)
  return opening and wrapped(opening, box.content) or box.content
end

-- What begins a cell, an item or a span must not begin a heading or a list: pandoc sees to it in paragraphs alone.
local function begun(content)
  local first = content[1]
  if first and first.t == "Str" and (first.text:find("^[=+/-]") or first.text:find("^%d+%.$")) then
    content:insert(1, pandoc.RawInline("typst", "#[]"))
  end
  return content
end

function Plain(plain)
  return pandoc.Plain(begun(plain.content))
end

function Span(span)
  local opening = call(spans, span.classes)
  if not opening then return span.content end
  begun(span.content)
  if span.classes:includes("sq-verdict") and #span.content > 1 then
    span.content[2] = pandoc.Str("\u{a0}") -- its sign never ends a line
  end
  span.content:insert(1, pandoc.RawInline("typst", opening))
  span.content:insert(pandoc.RawInline("typst", "]"))
  return span.content
end

function Header(heading)
  heading.level = heading.level - 1
  return heading
end

function Image(image)
  local width = tonumber(image.attributes.width) or 640
  local alt = quoted(pandoc.utils.stringify(image.caption))
  return pandoc.RawInline("typst",
    ("#sq-image(%s, alt: %s, width: %.1fpt)"):format(quoted(image.src), alt, width * 0.75))
end
