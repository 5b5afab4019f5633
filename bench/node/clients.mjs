// One measurement of openai of npm, in a process of its own: clients.mjs FOLDER ROW ORIGIN prints JSON, {figure: number}.
// FOLDER has node_modules. Rows and figures are those of bench/python/clients.py, which has those of the others.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { strict as assert } from "node:assert";

const [folder, row, origin] = process.argv.slice(2);
const STREAMS = 500, CHUNKS = 50, PACE = 20, ENOUGH = 0.3;
const LINE = 'wave after wave "after" wave after wave, until there was nothing left of the shore\n';
const PROMPT = Array.from({ length: 40 }, (_, i) => ({ role: ["user", "assistant"][i % 2], content: `${i} ` + "wave after wave ".repeat(32) }));
const HELLO = [{ role: "user", content: "hello" }];

const spent = () => { const used = process.cpuUsage(); return (used.user + used.system) / 1e3; }; // ms
const peak = () => process.resourceUsage().maxRSS; // KB
const connections = async () => Number(await (await fetch(`${origin}/connections`)).text());

function made(path) {
    const { OpenAI } = createRequire(`${folder}/`)("openai");
    const client = new OpenAI({ baseURL: `${origin}${path}/v1`, apiKey: "k" });
    return async (messages, shown) => {
        const pieces = [];
        for await (const chunk of await client.chat.completions.create({ model: "bench", messages, stream: true })) {
            const piece = chunk.choices[0]?.delta?.content;
            if (piece) {
                pieces.push(piece);
                if (shown) await shown(piece);
            }
        }
        return pieces.join("");
    };
}

async function repeated(path, messages, warm, count, shown, enough = 0) {
    const chat = made(path);
    for (let i = 0; i < warm; i++) await chat(messages, shown);
    const before = spent();
    let calls = 0;
    for (; calls < count || spent() - before < enough; calls++) assert(await chat(messages, shown));
    return { cpu: (spent() - before) / calls };
}

const rows = {
    start: () => { const before = spent(); made("/one"); return { cpu: spent() - before }; },
    chat: () => repeated("/chunks/200", PROMPT, 20, 20, undefined, ENOUGH),
    long: () => repeated("/chunks/20000", PROMPT, 1, 1, undefined, ENOUGH),
    "long-shown": () => repeated("/chunks/20000", PROMPT, 1, 1, async () => {}, ENOUGH),
    "big-one": async () => {
        const message = [{ role: "user", content: Buffer.alloc(100e6, LINE).toString("latin1") }];
        const chat = made("/one");
        await chat(HELLO);
        const before = spent(), memory = peak();
        await chat(message);
        return { cpu: spent() - before, kilobytes: peak() - memory };
    },
    given: () => repeated("/one", [{ role: "user", content: readFileSync(process.env.PROMPT, "utf8") }], 0, 1),
    streams: async () => {
        const chat = made(`/paced/${CHUNKS}/${PACE}`);
        await chat(HELLO);
        const before = spent(), memory = peak(), began = performance.now();
        const texts = await Promise.all(Array.from({ length: STREAMS }, () => chat(HELLO)));
        assert(texts.every(Boolean));
        const wall = (performance.now() - began) / (CHUNKS * PACE);
        return { cpu: spent() - before, wall, kilobytes: (peak() - memory) / STREAMS };
    },
    sequence: async () => {
        const before = await connections(); // whose own connection is kept
        await repeated("/one", HELLO, 0, 100);
        return { connections: (await connections()) - before };
    },
};

console.log(JSON.stringify(await rows[row]()));
process.exit(0);
