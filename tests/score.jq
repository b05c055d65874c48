# score.jq - holds what reports found against what was planted: jq -n --slurpfile planted P --slurpfile reports R -f score.jq
# A happening is found where a finding has its verdict, its hours, one of its ports and one of its countries.
def hour: fromdate / 3600 | floor;
def share($a; $b): ($a | length) == 0 or ($b | length) == 0 or ($a - ($a - $b) | length) > 0;
def told($p; $f): $f.verdict == $p.verdict
    and ($f.from | hour) <= ($p.to | hour) and ($f.to | hour) >= ($p.from | hour)
    and share($p.ports; $f.ports) and share($p.countries; $f.countries);
([$reports[].findings[]] | unique) as $found
| [$planted[] | . as $p | select(any($found[]; told($p; .)) | not)] as $missed
| [$found[] | . as $f | select(any($planted[]; told(.; $f)) | not)] as $extra
| {planted: ($planted | length), missed: ($missed | length), extra: ($extra | length)},
  ($missed[] | {missed: .}),
  ($extra[] | {extra: {verdict, ports, countries, from, to, events, source_count, also, hour}})
