// Two parties' lists, one entry a line: how many entries do they have in common? Neither learns which.
// The first input is stdin, the second a file.
const entries = (text) => new Set(text.split("\n").map((line) => line.trim().toLowerCase()).filter(Boolean));

const second = std.loadFile("/input/1");
if (second === null) {
    std.err.puts("two inputs are needed\n");
    std.exit(2);
}
const theirs = entries(second);
const common = [...entries(std.in.readAsString())].filter((entry) => theirs.has(entry)).length;
std.out.puts(`${common}\n`);
