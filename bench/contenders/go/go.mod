module weft/bench/contenders/go

go 1.19
