# README's table of figures, from build/bench/table.json: jq -r -f tests/bench/readme.jq build/bench/table.json
"Measured on \(.cores) cores of \(.machine), load \(.load) at the beginning:",
"",
"| what | figure | goal |",
"| --- | --- | --- |",
(.rows[] | select(.goal) | "| \(.part): \(.name) | \(.value) \(.unit) | \(.goal) |"),
"",
"| others, the same million lines | ns a line | of scantide's time |",
"| --- | --- | --- |",
(.rows as $rows | .rows[] | select(.part == "peers" and (.name | test(": a line, wall$"))) |
    (.name | split(":")) as $name |
    "| \($name[0]), \($name[1] | ltrimstr(" ")) | \(.value) | \([$rows[] | select(.part == "peers" and .name == $name[0] + ": of scantide\u0027s time")][0].value) |")
