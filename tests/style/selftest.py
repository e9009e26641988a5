# SPDX-License-Identifier: BSD-2-Clause
"""Each rule of style.py against an example that breaks it, and only it."""

TOP = "/* SPDX-License-Identifier: BSD-2-Clause */\n"
GOOD = TOP + """#include "base/span.h"
#include <string.h>

static const char *const names[] = { "strcpy(", "a" };

/* malloc() in a comment is only talk. */
int good(int a)
{
	if (a) {
		switch (a) {
		case 1:
			for (;;)
				return names[0][0];
		}
	}
	return 0;
}
"""


def function(body):
    return TOP + "int f(int a)\n{\n" + body + "}\n"


BAD = [
    ("licence", "src/base/x.c", "int a;\n"),
    ("licence", "tests/x.py", "a = 1\n"),
    ("whitespace", "src/base/x.c", TOP + "int a; \n"),
    ("whitespace", "src/base/x.c", TOP + "int a;"),
    ("whitespace", "src/base/x.c", TOP + "int a;\r\n"),
    ("tabs", "src/base/x.c", function("    return a;\n")),
    ("line-length", "src/base/x.c", TOP + "\t/* " + "x" * 95 + " */\n"),
    ("file-length", "src/base/x.c", TOP + "int a;\n" * 600),
    ("function-length", "port/posix/x.c", function("\ta++;\n" * 69)),
    ("nesting", "src/base/x.c", function(
        "".join("\t" * (n + 1) + "if (a > %d)\n" % n for n in range(5))
        + "\t\t\t\t\t\treturn 1;\n")),
    ("nesting", "src/base/x.c", function(
        "".join("\t" * (n + 1) + "while (a) {\n" for n in range(5)) + "\t\t\t\t\t\ta--;\n")),
    ("conditional", "src/base/x.c", function("#if CONFIG_X\n\ta++;\n#endif\n\treturn a;\n")),
    ("include", "src/base/x.c", TOP + '#include "sys/net.h"\n'),
    ("include", "src/smtp/x.c", TOP + '#include "queue/queue.h"\n'),
    ("include", "src/dns/x.c", TOP + '#include "sys/flash.h"\n'),
    ("include", "src/base/x.c", TOP + "#include <sys/socket.h>\n"),
    ("include", "src/base/x.c", TOP + '#include "nowhere.h"\n'),
    ("include", "port/posix/x.c", TOP + '#include "queue/queue.h"\n'),
    ("include", "src/new/x.c", TOP),
    ("banned", "src/base/x.c", function("\tstrcpy(b, c);\n")),
    ("banned", "port/posix/x.c", function("\treturn sprintf (b, c);\n")),
    ("banned", "src/base/x.c", function("\treturn snprintf(b, 1, c);\n")),
    ("typedef", "src/base/x.c", TOP + "typedef int number;\n"),
    ("syntax", "tests/x.py", "# SPDX-License-Identifier: BSD-2-Clause\ndef f(:\n"),
]


def selftest(check_text):
    wrong = ["the good example: %s: %s" % (rule, words)
             for _, rule, words in check_text("src/base/x.c", GOOD)]
    for number, (rule, path, text) in enumerate(BAD):
        found = {row[1] for row in check_text(path, text)}
        if found != {rule}:
            wrong.append("example %d, %s: found %s" % (number, rule, sorted(found) or "nothing"))
    for line in wrong:
        print("style self-test: " + line)
    return 1 if wrong else 0
