/* For wine before 9, which lacks this library: Rust, and with it the cryptography wheel, wants ProcessPrng of it.
   It goes into the prefix of the tests and nowhere else. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length); /* RtlGenRandom */

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    while (length) {
        ULONG part = length > 0x10000000u ? 0x10000000u : (ULONG)length;
        if (!SystemFunction036(buffer, part))
            return FALSE;
        buffer += part;
        length -= part;
    }
    return TRUE;
}
