using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Files;

/// <summary>
/// The bytes of one file, memory-mapped read-only or read into memory, or memory that stands for one.
/// Every reader of this folder parses a region, so a test can hand any of them bytes that
/// never were a file. The mapping stays until it is disposed, even where nobody holds the region any more, because a span or an address taken
/// from it says nothing to the garbage collector; unless whoever owns the region promises to hold it as long as it reads:
/// <see cref="UnmapWhenUnreachable"/>.
/// </summary>
internal sealed unsafe class FileRegion : IDisposable
{
    /// <summary>What is read at once.</summary>
    private const int ReadBytes = 64 << 20;

    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly NativeBuffer? _memory;
    private readonly bool _isCopy;
    private byte* _start;
    private int _held;
    private int _disposed;

    /// <summary>A region over memory that somebody else keeps alive and in place.</summary>
    public FileRegion(string path, byte* start, long length)
    {
        Path = path;
        Length = length;
        _start = start;
    }

    /// <summary>A region over memory that becomes its own.</summary>
    public FileRegion(string path, NativeBuffer memory)
        : this(path, (byte*)memory.Address, memory.Bytes) => _memory = memory;

    private FileRegion(string path, NativeBuffer copy, bool isCopy)
        : this(path, copy) => _isCopy = isCopy;

    private FileRegion(string path, MemoryMappedFile file, MemoryMappedViewAccessor view, long length)
    {
        Path = path;
        Length = length;
        _file = file;
        _view = view;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += view.PointerOffset;
        _held = 1;
    }

    /// <summary>The file's name, for messages.</summary>
    public string Path { get; }

    /// <summary>Its length in bytes.</summary>
    public long Length { get; }

    /// <summary>The first byte.</summary>
    /// <exception cref="ObjectDisposedException">The model file was disposed.</exception>
    public byte* Start => _start is not null ? _start : throw new ObjectDisposedException(nameof(ModelFile), $"{Path} was disposed.");

    /// <summary>Whether the bytes are in memory, so that nothing that becomes of a file matters any more.</summary>
    public bool IsInMemory => _file is null;

    /// <summary>Maps a file, or reads it into memory.</summary>
    /// <exception cref="ModelFormatException">It is empty, a pipe or a device, or a link to nothing; or it became shorter while it was read.</exception>
    /// <exception cref="FileNotFoundException">It does not exist.</exception>
    /// <exception cref="InsufficientMemoryException">There is no memory to read it into.</exception>
    public static FileRegion Open(string path, bool intoMemory)
    {
        RequireContent(path);
        var handle = File.OpenHandle(path);
        MemoryMappedFile? file = null;
        try
        {
            long length = RandomAccess.GetLength(handle);
            if (length == 0)
            {
                throw new ModelFormatException(path, "the file is empty. Download or convert it again.");
            }

            if (intoMemory)
            {
                using (handle)
                {
                    return new FileRegion(path, ReadAll(path, handle, length), isCopy: true);
                }
            }

            file = MemoryMappedFile.CreateFromFile(
                handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            return new FileRegion(path, file, file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read), length);
        }
        catch
        {
            file?.Dispose();
            handle.Dispose();
            throw;
        }
    }

    /// <summary>A piece of the file. The caller has checked that it lies inside.</summary>
    public ReadOnlySpan<byte> Span(long offset, int length)
    {
        byte* start = Start;
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - length);
        return new ReadOnlySpan<byte>(start + offset, length);
    }

    /// <summary>Gives the memory behind a piece of a mapped file back; it is read again when it is touched.</summary>
    public void DropPages(long offset, long length)
    {
        if (_file is not null)
        {
            VirtualMemory.DropFilePages((nint)(Start + offset), length);
        }
    }

    /// <summary>Whether it is one tensor's own memory, which is freed all at once.</summary>
    public bool IsFreedWhole => _memory is not null && !_isCopy;

    /// <summary>
    /// Says that a piece is not needed any more: gives back its pages, or frees the whole region where that is one tensor's own memory.
    /// </summary>
    public void Release(long offset, long length)
    {
        if (_file is not null || _isCopy)
        {
            VirtualMemory.DropFilePages((nint)(Start + offset), length);
        }
        else if (_memory is not null)
        {
            Dispose();
        }
    }

    /// <summary>Lets the mapping go with the region when that is collected. From now on whoever reads it must hold the region.</summary>
    public void UnmapWhenUnreachable()
    {
        // A view's handle whose pointer was not given back is never finalized.
        if (Interlocked.Exchange(ref _held, 0) != 0)
        {
            _view!.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    /// <summary>Unmaps the file, or frees the memory; addresses into it are no longer valid.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _start = null;
        UnmapWhenUnreachable();
        _view?.Dispose();
        _file?.Dispose();
        _memory?.Dispose();
    }

    /// <summary>Finds out what cannot be a model without opening it: opening a named pipe waits for its writer, for ever if there is none.</summary>
    private static void RequireContent(string path)
    {
        var link = new FileInfo(path);
        if (!link.Exists)
        {
            return; // opening says so
        }

        FileInfo target = link;
        if (link.LinkTarget is { } named)
        {
            target = link.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? link;
            if (!target.Exists)
            {
                throw new ModelFormatException(
                    path, $"this is a link to {FileText.Quote(named)}, which is not there. Download the model again, or name the file itself.");
            }
        }

        if (target.Length == 0)
        {
            throw new ModelFormatException(path, "the file is empty, or it is a pipe or a device. Name a file that holds a model.");
        }
    }

    private static NativeBuffer ReadAll(string path, SafeFileHandle handle, long length)
    {
        NativeBuffer memory = NativeBuffer.Allocate(length);
        try
        {
            int read;
            for (long done = 0; done < length; done += read)
            {
                var rest = new Span<byte>((byte*)memory.Address + done, (int)Math.Min(length - done, ReadBytes));
                read = RandomAccess.Read(handle, rest, done);
                if (read == 0)
                {
                    throw new ModelFormatException(path, $"the file became shorter while it was read: {done} of {length} bytes are left.");
                }
            }

            return memory;
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }
}
