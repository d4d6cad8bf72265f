"""What tests share: small sweeps, servers, disks, hosts. Imported as `support`, from tests and benchmarks."""
