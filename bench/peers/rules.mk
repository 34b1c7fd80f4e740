# Other runtimes beside ours. They come from Debian and npm when the target is made; nothing of them lies here.
.PHONY: bench-peers peer-workers
BENCH_PEERS_PACKAGES := $(BUILD_PACKAGES) python3-numpy python3-torch python3-opencv libopenblas-dev

WORKER_OBJ := $(BUILD)/bench/peers/worker.o
$(BUILD)/bench/peers/worker_visembed: $(BUILD)/bench/peers/worker_visembed.o $(WORKER_OBJ) $(STATIC_LIB)
	@mkdir -p $(@D)
	$(TARGET_CC) $(VE_LDFLAGS) -o $@ $^ $(LIB_LIBS)

$(BUILD)/bench/peers/worker_onnxruntime: $(BUILD)/bench/peers/worker_onnxruntime.o $(BUILD)/bench/peers/onnxruntime.o $(WORKER_OBJ)
	@mkdir -p $(@D)
	$(TARGET_CC) $(VE_LDFLAGS) -o $@ $^ -ldl

peer-workers: $(BUILD)/bench/peers/worker_visembed $(BUILD)/bench/peers/worker_onnxruntime $(BUILD)/bin/ve-export

# CASES="atto:224 ..." and ROUNDS=15 choose; NAME is that of the files in bench/results.
bench-peers: export PYTHONDONTWRITEBYTECODE := 1
bench-peers: ## ONNX Runtime, PyTorch and OpenCV beside ours, in turns, as a table and a chart
	@tools/install-packages $(BENCH_PEERS_PACKAGES)
	@bench/peers/fetch-onnxruntime build/bench-peers/onnxruntime
	@$(MAKE) --no-print-directory --silent peer-workers
	@$(MAKE) --no-print-directory --silent GEMM=openblas build/$(MACHINE)-$(notdir $(CC))-openblas/bench/peers/worker_visembed
	@bench/peers/bench-peers --visembed $(BUILD)/bench/peers/worker_visembed \
	    --openblas build/$(MACHINE)-$(notdir $(CC))-openblas/bench/peers/worker_visembed \
	    --worker-onnxruntime $(BUILD)/bench/peers/worker_onnxruntime --export $(BUILD)/bin/ve-export \
	    --onnxruntime build/bench-peers/onnxruntime/$(if $(filter aarch64,$(MACHINE)),arm64,x64).so \
	    --work build/bench-peers --results bench/results/$(or $(NAME),$(MACHINE)-peers) \
	    $(if $(ROUNDS),--rounds $(ROUNDS)) $(CASES)
