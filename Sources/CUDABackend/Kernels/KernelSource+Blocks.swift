extension KernelSource {
    /// Elements that come in ggml's blocks: what stands where is said in `blocks.h` of CKernels.
    static let blockKernels = #"""
        // The kinds of matrices whose elements come in blocks, after those of `quantizedKernels`.
        enum {
            Q4_0 = 4, Q4_1 = 5, Q5_0 = 6, Q5_1 = 7, Q8_0 = 8, Q2_K = 9, Q3_K = 10, Q4_K = 11, Q5_K = 12, Q6_K = 13,
            IQ4_NL = 14, IQ4_XS = 15
        };

        DEVICE float blockHalf(const unsigned char *x) { return widenHalf((u16)(x[0] | x[1] << 8)); }

        // Element i of a list of 4 bits, of which 16 bytes have 16 in their low halves and 16 in their high ones.
        DEVICE int nibble(const unsigned char *q, int i) { return q[i % 16] >> i / 16 * 4 & 15; }

        DEVICE int fifthBit(const unsigned char *bits, int i) { return (bits[i / 8] >> i % 8 & 1) << 4; }

        DEVICE float valueIQ4(int q) {
            // Eight signed bytes a word.
            const unsigned long long low = 0xf6eaddcfbfad9881ull, high = 0x7159453526190d01ull;
            return (float)(signed char)((q < 8 ? low : high) >> q % 8 * 8);
        }

        // Factors of 6 bits for part `part` of eight: of the scale, and of what is taken away.
        DEVICE void factors(const unsigned char *x, int part, float &scale, float &offset) {
            const int a = x[part % 4], b = x[part % 4 + 4], c = x[part % 4 + 8];
            scale *= (float)(part < 4 ? a & 63 : (c & 15) | a >> 6 << 4);
            offset *= (float)(part < 4 ? b & 63 : c >> 4 | b >> 6 << 4);
        }

        // Element i of a block of 256.
        DEVICE float decodeLarge(int kind, const unsigned char *x, int i) {
            // The elements of a byte of two bits are 32 apart in a half of the block; `place` is this one's.
            const int byte = i / 128 * 32 + i % 32, place = i % 128 / 32 * 2;
            switch (kind) {
            case Q2_K: {
                const int factor = x[i / 16];
                return blockHalf(x + 80) * (float)(factor & 15) * (float)(x[16 + byte] >> place & 3)
                    - blockHalf(x + 82) * (float)(factor >> 4);
            }
            case Q3_K: {
                const int part = i / 16;
                const int low = nibble(x + 96, part % 8 + part / 8 * 16), top = x[104 + part % 4] >> part / 4 * 2 & 3;
                const int q = (x[32 + byte] >> place & 3) | (x[i % 32] >> i / 32 & 1) << 2;
                return blockHalf(x + 108) * (float)((low | top << 4) - 32) * (float)(q - 4);
            }
            case Q4_K: {
                float scale = blockHalf(x), offset = blockHalf(x + 2);
                factors(x + 4, i / 32, scale, offset);
                return scale * (float)(x[16 + i / 64 * 32 + i % 32] >> i / 32 % 2 * 4 & 15) - offset;
            }
            case Q5_K: {
                float scale = blockHalf(x), offset = blockHalf(x + 2);
                factors(x + 4, i / 32, scale, offset);
                const int low = x[48 + i / 64 * 32 + i % 32] >> i / 32 % 2 * 4 & 15;
                return scale * (float)(low | (x[16 + i % 32] >> i / 32 & 1) << 4) - offset;
            }
            case Q6_K: {
                const int low = x[i / 128 * 64 + i % 64] >> i % 128 / 64 * 4 & 15, top = x[128 + byte] >> place & 3;
                return blockHalf(x + 208) * (float)(signed char)x[192 + i / 16] * (float)((low | top << 4) - 32);
            }
            default: {
                const int part = i / 32, high = x[2 + part / 4] >> part % 4 * 2 & 3;
                const int factor = (x[4 + part / 2] >> part % 2 * 4 & 15) | high << 4;
                return blockHalf(x) * (float)(factor - 32) * valueIQ4(nibble(x + 8 + part * 16, i % 32));
            }
            }
        }

        // Element i of a block of 32.
        DEVICE float decodeSmall(int kind, const unsigned char *x, int i) {
            const float scale = blockHalf(x);
            switch (kind) {
            case Q4_0: return scale * (float)(nibble(x + 2, i) - 8);
            case Q4_1: return scale * (float)nibble(x + 4, i) + blockHalf(x + 2);
            case Q5_0: return scale * (float)((nibble(x + 6, i) | fifthBit(x + 2, i)) - 16);
            case Q5_1: return scale * (float)(nibble(x + 8, i) | fifthBit(x + 4, i)) + blockHalf(x + 2);
            case Q8_0: return scale * (float)(signed char)x[2 + i];
            default: return scale * valueIQ4(nibble(x + 2, i));
            }
        }

        // Element `index` of a row, which begins at the matrix's element `first`.
        DEVICE float decodeBlocks(int kind, const unsigned char *data, i64 first, int index) {
            const i64 element = first + index;
            switch (kind) {
            case Q4_0: case IQ4_NL: return decodeSmall(kind, data + element / 32 * 18, (int)(element % 32));
            case Q4_1: return decodeSmall(kind, data + element / 32 * 20, (int)(element % 32));
            case Q5_0: return decodeSmall(kind, data + element / 32 * 22, (int)(element % 32));
            case Q5_1: return decodeSmall(kind, data + element / 32 * 24, (int)(element % 32));
            case Q8_0: return decodeSmall(kind, data + element / 32 * 34, (int)(element % 32));
            case Q2_K: return decodeLarge(kind, data + element / 256 * 84, (int)(element % 256));
            case Q3_K: return decodeLarge(kind, data + element / 256 * 110, (int)(element % 256));
            case Q4_K: return decodeLarge(kind, data + element / 256 * 144, (int)(element % 256));
            case Q5_K: return decodeLarge(kind, data + element / 256 * 176, (int)(element % 256));
            case Q6_K: return decodeLarge(kind, data + element / 256 * 210, (int)(element % 256));
            default: return decodeLarge(kind, data + element / 256 * 136, (int)(element % 256));
            }
        }
        """#
}
