-- SPDX-License-Identifier: BSD-2-Clause
-- Prints the primes up to the first argument.
local most = tonumber(arg[1])
local composite = {}
for candidate = 2, most do
    if not composite[candidate] then
        print(candidate)
        for multiple = candidate * candidate, most, candidate do
            composite[multiple] = true
        end
    end
end
