#!/usr/bin/env python3
"""Runs sluice bench and llama-bench on one model in turn, A B A B, and tells the ratios of their speeds.

  compare.py MODEL.gguf [-p 128,512] [-n 64] [-d 0,4096] [-t 2] [--pairs 5] [--name NAME]

A row of benchmarks/results/NAME.csv is one test: medians over the pairs, and the ratio's median, least and most.
A pair during which others, the host or other processes, had more than --max-others percent of the machine's time is
thrown away and run again.
Python's standard library only. The llama-bench is any command that takes its options and prints its JSON.
"""
import argparse
import csv
import datetime
import json
import os
import platform
import resource
import shlex
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
COLUMNS = ["date", "machine", "cpu", "commit", "model", "test", "ours", "theirs", "ratio", "bandwidth", "peak",
           "ratio_least", "ratio_most", "pairs", "discarded", "share", "kernels", "threads", "kv", "their_build"]


def numbers(text):
    return [int(part) for part in text.split(",") if part]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("-p", type=numbers, default=[128, 512], help="tokens of prompts; 0: none")
    parser.add_argument("-n", type=numbers, default=[64], help="tokens of answers; 0: none")
    parser.add_argument("-d", type=numbers, default=[0], help="tokens before the answers")
    parser.add_argument("-t", type=int, default=os.cpu_count(), help="threads of both")
    parser.add_argument("-r", type=int, default=2, help="repetitions inside one run of either")
    parser.add_argument("--kv", default="f16", help="type of keys and values, of both; default: f16")
    parser.add_argument("--pairs", type=int, default=5, help="at least so many; default and least: 5")
    parser.add_argument("--max-others", type=float, default=5, help="percent; default: 5")
    parser.add_argument("--sluice", default=os.path.join(ROOT, "build/release/sluice"), help="our command")
    parser.add_argument("--llama", default=shlex.quote(os.path.join(ROOT, "../shared/tools/llama-peer")) + " bench",
                        help="their command, with options of its own, such as -fa 1")
    parser.add_argument("--name", default=platform.node(), help="of the file below benchmarks/results")
    arguments = parser.parse_args()
    arguments.model = os.path.abspath(arguments.model)
    arguments.pairs = max(5, arguments.pairs)
    arguments.p = [n for n in arguments.p if n > 0]
    arguments.n = [n for n in arguments.n if n > 0]
    return arguments


def output_of(command):
    # llama-peer shows its tree only files below this folder.
    environment = dict(os.environ)
    environment.setdefault("LLAMA_PEER_DATA", os.path.dirname(command["model"]))
    done = subprocess.run(command["words"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(command['words'])} failed ({done.returncode}):\n{done.stderr[-2000:]}")
    return done.stdout


def joined(items):
    return ",".join(str(item) for item in items)


def run_ours(arguments):
    """The tests by name, and the whole answer."""
    words = shlex.split(arguments.sluice) + [
        "bench", arguments.model, "-p", joined(arguments.p) or "0", "-n", joined(arguments.n) or "0", "-d",
        joined(arguments.d), "-t", str(arguments.t), "-r", str(arguments.r), "--kv", arguments.kv, "--json"]
    answer = json.loads(output_of({"words": words, "model": arguments.model}))
    tests = {f"pp{entry['tokens']}": entry["tokens_per_s"] for entry in answer["prefill"]}
    tests |= {f"tg{entry['tokens']}@d{entry['depth']}": entry["tokens_per_s"] for entry in answer["decode"]}
    return tests, answer


def run_theirs(arguments):
    """The tests by the same names, and the build that ran."""
    common = ["-m", arguments.model, "-t", str(arguments.t), "-r", str(arguments.r), "-ctk", arguments.kv, "-ctv",
              arguments.kv, "-o", "json"]
    runs = []  # prompts at depth 0 alone, answers at every depth: llama-bench would combine all with all
    if arguments.p:
        runs.append(["-p", joined(arguments.p), "-n", "0"])
    if arguments.n:
        runs.append(["-p", "0", "-n", joined(arguments.n), "-d", joined(arguments.d)])
    tests, build = {}, ""
    for options in runs:
        text = output_of({"words": shlex.split(arguments.llama) + common + options, "model": arguments.model})
        for entry in json.loads(text[text.index("["):]):
            speed = statistics.median(entry.get("samples_ts") or [entry["avg_ts"]])
            build = f"{entry.get('build_commit', '')} ({entry.get('build_number', '')})"
            if entry["n_gen"] == 0:
                tests[f"pp{entry['n_prompt']}"] = speed
            else:
                tests[f"tg{entry['n_gen']}@d{entry.get('n_depth', 0)}"] = speed
    return tests, build


class Disturbance:
    """Percent of this machine's time that went to others since it was made: to the host's other guests (steal), and to
    processes that are not our children. 0 where the system does not tell."""

    def __init__(self):
        self.before = self.seconds()

    @staticmethod
    def seconds():
        """Stolen, busy (that included), all, and our children's."""
        try:
            with open("/proc/stat", encoding="ascii") as file:
                # user nice system idle iowait irq softirq steal (proc(5))
                ticks = [int(word) / os.sysconf("SC_CLK_TCK") for word in file.readline().split()[1:9]]
        except OSError:
            return 0, 0, 0, 0
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ticks[7], sum(ticks) - ticks[3] - ticks[4], sum(ticks), children.ru_utime + children.ru_stime

    def percents(self):
        """Stolen; by others in all."""
        stolen, busy, total, ours = (now - then for now, then in zip(self.seconds(), self.before))
        if total <= 0:
            return 0.0, 0.0
        return 100 * stolen / total, 100 * max(stolen, busy - ours) / total


def cpu_name():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def commit():
    found = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty", "--exclude=*"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return found.stdout.strip() or "unknown"


def run_pairs(arguments):
    """Pairs of tests by name, the last whole answer of ours with the best machine of all, their build, discarded."""
    pairs, discarded = [], 0
    ours, build = {}, ""
    bandwidth, peak = 0.0, 0.0
    while len(pairs) < arguments.pairs:
        disturbance = Disturbance()
        our_tests, ours = run_ours(arguments)
        their_tests, build = run_theirs(arguments)
        stolen, others = disturbance.percents()
        machine = ours["machine"]
        bandwidth = max(bandwidth, machine["bytes_per_s"] or 0)
        peak = max(peak, machine["int8_multiply_adds_per_s"] or 0)
        is_kept = others <= arguments.max_others
        told = "  ".join(f"{name} {our_tests[name]:.2f} / {their_tests[name]:.2f}" for name in our_tests)
        what = f"pair {len(pairs) + 1}" if is_kept else "discarded"
        print(f"{what}: {told}  ({others:.1f} % to others, {stolen:.1f} % stolen)", flush=True)
        if is_kept:
            pairs.append((our_tests, their_tests, ours))
            continue
        discarded += 1
        if discarded > 2 * arguments.pairs:
            sys.exit(f"others had more than {arguments.max_others} % of the time in {discarded} pairs; try later")
    return pairs, ours, build, discarded, bandwidth, peak


def share_in(answer, name):
    """What a test of ours reached of the machine in the same run, or nothing."""
    for entry in answer["prefill"]:
        if name == f"pp{entry['tokens']}":
            return entry["share_of_int8_peak"]
    for entry in answer["decode"]:
        if name == f"tg{entry['tokens']}@d{entry['depth']}":
            return entry["share_of_bandwidth"]
    return None


def main():
    arguments = parse_arguments()
    pairs, ours, build, discarded, bandwidth, peak = run_pairs(arguments)
    rows = []
    print(f"\n{'test':<16}{'ours':>10}{'theirs':>10}{'ratio':>8}{'least':>8}{'most':>8}{'share':>8}")
    for name in pairs[0][0]:
        ratios = [our_tests[name] / their_tests[name] for our_tests, their_tests, _ in pairs]
        shares = [share for share in (share_in(answer, name) for _, _, answer in pairs) if share is not None]
        our_speed = statistics.median(our_tests[name] for our_tests, _, _ in pairs)
        their_speed = statistics.median(their_tests[name] for _, their_tests, _ in pairs)
        ratio = statistics.median(ratios)
        share = f"{statistics.median(shares):.3f}" if shares else ""
        print(f"{name:<16}{our_speed:>10.2f}{their_speed:>10.2f}{ratio:>8.2f}{min(ratios):>8.2f}{max(ratios):>8.2f}"
              f"{share:>8}")
        rows.append({
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%MZ"),
            "machine": platform.node(), "cpu": cpu_name(), "commit": commit(),
            "model": os.path.basename(arguments.model), "test": name, "ours": f"{our_speed:.3f}",
            "theirs": f"{their_speed:.3f}", "ratio": f"{ratio:.3f}", "bandwidth": f"{bandwidth:.4g}",
            "peak": f"{peak:.4g}", "ratio_least": f"{min(ratios):.3f}", "ratio_most": f"{max(ratios):.3f}",
            "pairs": len(pairs), "discarded": discarded, "share": share, "kernels": ours["machine"]["kernels"],
            "threads": ours["threads"], "kv": arguments.kv, "their_build": build})
    path = os.path.join(HERE, "results", arguments.name + ".csv")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    is_new = not os.path.exists(path)
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(rows)
    print(f"\n{len(rows)} rows added to {os.path.relpath(path)}")


if __name__ == "__main__":
    main()
