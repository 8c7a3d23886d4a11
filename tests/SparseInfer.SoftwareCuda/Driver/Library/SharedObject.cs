using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace SparseInfer.SoftwareCuda.Driver.Library;

/// <summary>
/// Writes a shared library (ELF, 64 bits, little endian) whose functions jump to where a table leads. The table is in the library too, and
/// whoever loads it fills it: so functions of this process get names that the system's loader knows.
/// </summary>
internal static class SharedObject
{
    /// <summary>The table's symbol: one address a function, in the functions' order.</summary>
    public const string TableName = "sparseinfer_cuda_software_table";

    /// <summary>Not the driver's name: the loader would give this library to whoever asks for that.</summary>
    private const string LibraryName = "libsparseinfer-cuda-software.so";

    /// <summary>The largest page that Linux has on these processors: the two segments never share one.</summary>
    private const int Page = 0x1_0000;

    private const int HeaderBytes = 64;
    private const int ProgramHeaderBytes = 56;
    private const int ProgramHeaders = 4;
    private const int SymbolBytes = 24;
    private const int DynamicEntries = 7;
    private const int StubBytes = 16;

    /// <summary>The library's bytes.</summary>
    /// <param name="functions">The functions' names, all different.</param>
    /// <param name="processor">X64 or Arm64.</param>
    public static byte[] Write(IReadOnlyList<string> functions, Architecture processor)
    {
        // The first symbol and the first name are empty: the format wants them.
        string[] symbols = ["", .. functions, TableName];
        (byte[] names, int[] nameOffsets) = Names([.. symbols, LibraryName]);

        int hash = HeaderBytes + (ProgramHeaders * ProgramHeaderBytes);
        int hashBytes = 4 * (2 + 1 + symbols.Length); // one bucket, and the chain of all symbols
        int symbolTable = Align(hash + hashBytes, 8);
        int nameTable = symbolTable + (symbols.Length * SymbolBytes);
        int code = Align(nameTable + names.Length, StubBytes);
        int codeEnd = code + (functions.Count * StubBytes);

        int dataInFile = Align(codeEnd, 16);
        int data = Align(codeEnd, Page) + (dataInFile % Page); // the address; congruent to the place in the file
        int dynamicBytes = DynamicEntries * 16;
        int table = data + dynamicBytes;
        int dataBytes = dynamicBytes + (functions.Count * 8);

        var file = new ByteWriter(dataInFile + dataBytes);
        Header(file, processor);
        ProgramHeader(file, type: 1, flags: 5, 0, 0, codeEnd, Page); // PT_LOAD, read and execute
        ProgramHeader(file, type: 1, flags: 6, dataInFile, data, dataBytes, Page); // PT_LOAD, read and write
        ProgramHeader(file, type: 2, flags: 6, dataInFile, data, dynamicBytes, 8); // PT_DYNAMIC
        ProgramHeader(file, type: 0x6474E551, flags: 6, 0, 0, 0, 16); // PT_GNU_STACK: the stack stays without execution

        file.Position = hash;
        file.Write32(1, symbols.Length, 1);
        for (int symbol = 0; symbol < symbols.Length; symbol++)
        {
            file.Write32(symbol == 0 || symbol == symbols.Length - 1 ? 0 : symbol + 1);
        }

        file.Position = symbolTable + SymbolBytes;
        for (int function = 0; function < functions.Count; function++)
        {
            Symbol(file, nameOffsets[1 + function], type: 2, section: 1, code + (function * StubBytes), StubBytes);
        }

        Symbol(file, nameOffsets[symbols.Length - 1], type: 1, section: 2, table, functions.Count * 8);
        file.Position = nameTable;
        file.Write(names);
        for (int function = 0; function < functions.Count; function++)
        {
            file.Position = code + (function * StubBytes);
            Stub(file, processor, file.Position, table + (function * 8));
        }

        file.Position = dataInFile;
        file.Write64(14, nameOffsets[^1]); // DT_SONAME
        file.Write64(4, hash); // DT_HASH
        file.Write64(5, nameTable); // DT_STRTAB
        file.Write64(6, symbolTable); // DT_SYMTAB
        file.Write64(10, names.Length); // DT_STRSZ
        file.Write64(11, SymbolBytes); // DT_SYMENT
        return file.Bytes; // DT_NULL and the table are zero
    }

    private static void Header(ByteWriter file, Architecture processor)
    {
        file.Write([0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        file.Write16(3, processor == Architecture.X64 ? 62 : 183); // ET_DYN; EM_X86_64 or EM_AARCH64
        file.Write32(1);
        file.Write64(0, HeaderBytes, 0); // no entry; program headers; no sections
        file.Write32(0);
        file.Write16(HeaderBytes, ProgramHeaderBytes, ProgramHeaders, 64, 0, 0);
    }

    private static void ProgramHeader(ByteWriter file, int type, int flags, int offset, int address, int bytes, int alignment)
    {
        file.Write32(type, flags);
        file.Write64(offset, address, address, bytes, bytes, alignment);
    }

    private static void Symbol(ByteWriter file, int name, int type, int section, int value, int bytes)
    {
        file.Write32(name);
        file.Write([(byte)(0x10 | type), 0]); // global
        file.Write16(section);
        file.Write64(value, bytes);
    }

    private static void Stub(ByteWriter file, Architecture processor, int at, int slot)
    {
        if (processor == Architecture.X64)
        {
            file.Write([0xF3, 0x0F, 0x1E, 0xFA, 0xFF, 0x25]); // endbr64; jmp [rip + distance]
            file.Write32(slot - (at + 10));
            file.Write([0xCC, 0xCC, 0xCC, 0xCC, 0xCC, 0xCC]);
            return;
        }

        int pages = (slot >> 12) - ((at + 4) >> 12);
        file.Write32(unchecked((int)0xD503245F)); // bti c
        file.Write32(unchecked((int)0x90000010) | ((pages & 3) << 29) | ((pages >> 2) << 5)); // adrp x16, slot's page
        file.Write32(unchecked((int)0xF9400210) | (((slot & 0xFFF) / 8) << 10)); // ldr x16, [x16, slot in its page]
        file.Write32(unchecked((int)0xD61F0200)); // br x16
    }

    private static (byte[] Bytes, int[] Offsets) Names(string[] names)
    {
        var bytes = new List<byte>();
        var offsets = new int[names.Length];
        for (int index = 0; index < names.Length; index++)
        {
            offsets[index] = bytes.Count;
            bytes.AddRange(Encoding.ASCII.GetBytes(names[index]));
            bytes.Add(0);
        }

        return ([.. bytes], offsets);
    }

    private static int Align(int value, int alignment) => (value + alignment - 1) / alignment * alignment;

    private sealed class ByteWriter(int bytes)
    {
        public byte[] Bytes { get; } = new byte[bytes];

        public int Position { get; set; }

        public void Write(ReadOnlySpan<byte> values)
        {
            values.CopyTo(Bytes.AsSpan(Position));
            Position += values.Length;
        }

        public void Write16(params ReadOnlySpan<int> values)
        {
            foreach (int value in values)
            {
                BinaryPrimitives.WriteInt16LittleEndian(Bytes.AsSpan(Position), (short)value);
                Position += 2;
            }
        }

        public void Write32(params ReadOnlySpan<int> values)
        {
            foreach (int value in values)
            {
                BinaryPrimitives.WriteInt32LittleEndian(Bytes.AsSpan(Position), value);
                Position += 4;
            }
        }

        public void Write64(params ReadOnlySpan<long> values)
        {
            foreach (long value in values)
            {
                BinaryPrimitives.WriteInt64LittleEndian(Bytes.AsSpan(Position), value);
                Position += 8;
            }
        }
    }
}
