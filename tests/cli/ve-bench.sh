#!/bin/bash
# SPDX-License-Identifier: MIT
# ve-bench.sh BUILD: ve-bench measures, says it in three forms, reads a board's sensors, and notices throttling.
build=${1:?usage: ve-bench.sh BUILD}
. "$(dirname "$0")/check.bash"
# Other runs of ve-bench on this machine leave their models elsewhere.
export TMPDIR=$work/temporary
mkdir "$TMPDIR"
quick=(--size 32 --runs 3 --seconds 0)

# A sanitizer makes the measuring loops so slow that nothing is learnt.
case $build in
*-address* | *-thread* | *-undefined*) quick+=(--isa scalar) ;;
esac

ok "--help" gives 0 ve-bench --help
ok "  on standard output" prints "Usage: ve-bench"
ok "--version" gives 0 ve-bench --version
for mistake in "--arch giant" "--threads many" "--size 0" "--minutes -1" "--precision f8" "surplus" "--arch atto --model x.vew"; do
    # shellcheck disable=SC2086 # several arguments
    ok "refused: $mistake" gives 2 ve-bench $mistake
    ok "  with nothing on standard output" prints_nothing
done
ok "a model that is not there" gives 2 ve-bench --model "$work/none.vew"
ok "  is named" complains none.vew
ok "kernels that this machine lacks" gives 2 ve-bench "${quick[@]}" --isa quantum
ok "  are named" complains quantum

# A Raspberry Pi as its files and its firmware tell of it, vcgencmd's answers given by variables.
pi=$work/pi
mkdir -p "$pi/proc/device-tree" "$pi/sys/class/thermal/thermal_zone0" "$pi/sys/devices/system/cpu/cpu0/cpufreq" \
    "$pi/sys/class/powercap/intel-rapl:0" "$work/bin"
printf 'Raspberry Pi 4 Model B Rev 1.4\0' >"$pi/proc/device-tree/model"
printf 'processor\t: 0\nCPU part\t: 0xd08\n' >"$pi/proc/cpuinfo"
echo 'MemTotal:        3884360 kB' >"$pi/proc/meminfo"
echo 51234 >"$pi/sys/class/thermal/thermal_zone0/temp"
echo performance >"$pi/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
echo 1800000 >"$pi/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"
cat >"$work/bin/vcgencmd" <<'END'
#!/bin/sh
case "$*" in
get_throttled)
    n=$(cat "$COUNTER" 2>/dev/null || echo 0)
    echo $((n + 1)) >"$COUNTER"
    [ "$n" -eq 0 ] && echo "throttled=$FIRST" || echo "throttled=$LATER" ;;
"measure_clock arm") echo "frequency(48)=1500345728" ;;
measure_temp) echo "temp=48.3'C" ;;
pmic_read_adc) printf '  VDD_CORE_A current(7)=2.0000000A\n  DDR_VDD2_A current(3)=0.50000000A\n  VDD_CORE_V volt(15)=0.90000000V\n  DDR_VDD2_V volt(8)=1.10000000V\n' ;;
*) exit 1 ;;
esac
END
chmod +x "$work/bin/vcgencmd"
export PATH=$work/bin:$PATH COUNTER=$work/counter

export FIRST=0x0 LATER=0x0
ok "measures random weights" gives 0 ve-bench "${quick[@]}" --root "$pi" --batch 3 --sessions 5 --threads 2 \
    --json "$work/a.json" --svg "$work/a.svg"
ok "  names the board" prints "Raspberry Pi 4 Model B Rev 1.4"
ok "  and its core" prints "Cortex-A72"
ok "  and the governor" prints performance
ok "  reads temperature, clock, power and throttling" prints "51.2 degrees C 1500 MHz 2.4 W throttled=0x0"
ok "  measures the machine" grep -qE 'multiply-adds, [a-z0-9]+ +[0-9]+\.[0-9] GFLOP/s' "$out"
ok "  and its memory" grep -qE 'reading from DRAM +[0-9]+\.[0-9] GB/s' "$out"
ok "  gives a share of the peak" grep -qE '[0-9.]+ GFLOP/s, [0-9.]+ % of the peak' "$out"
ok "  the cold start" prints "from the start of the process to the first embedding"
ok "  the stages" grep -qE 'stage 3 +[0-9.]+ ms' "$out"
ok "  every layer" test "$(grep -cE 'stage [1-4] block [0-9]+ (depthwise|fc1|fc2)' "$out")" -eq 36
ok "  the batch" prints "of a batch of 3"
ok "  sessions at once" grep -qE '[0-9.]+ pictures a second with 5 at once' "$out"
ok "  is not void" test "$(grep -c VOID "$out")" -eq 0
ok "  leaves no model behind" test -z "$(ls "$TMPDIR" 2>/dev/null)"

if command -v python3 >/dev/null; then
    python3 - "$work/a.json" "$work/a.svg" >"$out" 2>"$err" <<'END'
import json, sys, xml.dom.minidom
r = json.load(open(sys.argv[1]))
assert r["format"] == "ve-bench 1" and r["void"] == ""
assert r["machine"]["governor"] == "performance" and r["machine"]["l2_bytes"] == 1 << 20
assert r["before"]["throttled"] == 0 and abs(r["after"]["mhz"] - 1500.35) < 0.01
w = r["latency_ms"]["wall"]
assert w["count"] >= 3 and 0 < w["min"] <= w["median"] <= w["p95"] <= w["max"]
assert len(r["profile_ms"]["layers"]) == 1 + 3 + 36
flops = sum(l["flops"] for l in r["profile_ms"]["layers"])
# The kernel leaves out the taps above and below the picture; at 32 x 32 those are many.
assert 0.8 < flops / (2 * r["model"]["multiply_adds"]) <= 1
assert 0 < r["latency_ms"]["peak_share"] < 1.2
svg = xml.dom.minidom.parse(sys.argv[2])
assert len(svg.getElementsByTagName("path")) == 40 + 4
END
    ok "JSON and SVG hold what they should" test $? -eq 0
fi

rm -f "$COUNTER"
export LATER=0x50005
ok "a run that throttled is void" gives 1 ve-bench "${quick[@]}" --root "$pi"
ok "  and says why" prints "VOID: under-voltage"
rm -f "$COUNTER"
export FIRST=0x50000 LATER=0x50000
ok "what was before the run does not count" gives 0 ve-bench "${quick[@]}" --root "$pi" --arch atto-v2 --precision f16
ok "  version 2 has a GRN" prints "scale panel (GRN)"

ok "a whole disk is noticed" gives 2 ve-bench "${quick[@]}" --json /dev/full
summary
