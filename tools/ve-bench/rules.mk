$(BUILD)/bin/ve-bench: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tools/common/*.c))
