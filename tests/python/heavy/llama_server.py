"""llama.cpp's own server out of the bindings of xllamacpp, which bring it built for every processor:
llama_server.py MODEL PORT. It runs until its standard input ends."""

import sys

import xllamacpp

given = xllamacpp.CommonParams()
given.model.path = sys.argv[1]
given.hostnames = ["127.0.0.1"]
given.port = int(sys.argv[2])
given.n_ctx = 1024
given.n_parallel = 1
given.cpuparams.n_threads = 2
given.use_jinja = True
given.warmup = False
server = xllamacpp.Server(given)
sys.stdin.read()
