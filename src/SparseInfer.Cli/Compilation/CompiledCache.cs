using System.Security.Cryptography;
using System.Text;
using SparseInfer.Files;

namespace SparseInfer.Cli.Compilation;

/// <summary>
/// Compiled models, kept between calls: a file for each declaration, named by the hash of all that it is made of, with the hash of what is in it at its end:
/// it is either what would be compiled again or not taken. Where nothing can be kept, models are compiled each time.
/// </summary>
internal sealed class CompiledCache
{
    /// <summary>What names another folder; empty: nothing is kept.</summary>
    public const string FolderVariable = "SPARSEINFER_CACHE";

    /// <summary>EROFS, on Linux and on macOS.</summary>
    private const int ReadOnlyFileSystem = 30;

    /// <summary>More files are not kept; a model's has some hundred KB.</summary>
    private const int MaxFiles = 64;

    /// <summary>What generated code is made by and refers to: other files of these make another assembly.</summary>
    private static readonly string[] Parts =
    [
        "SparseInfer.Generators.dll", "SparseInfer.Dsl.dll", "SparseInfer.Kernels.Cpu.dll", "SparseInfer.Runtime.dll", "SparseInfer.Kernels.Ilgpu.dll",
        "SparseInfer.Runtime.Ilgpu.dll", "ILGPU.dll", "Microsoft.CodeAnalysis.CSharp.dll",
    ];

    private readonly string? _folder;

    /// <summary>Whether what was compiled last is there for the next call.</summary>
    public bool Keeps { get; private set; }

    /// <summary>In a folder; null: nothing is kept.</summary>
    public CompiledCache(string? folder) => _folder = folder;

    /// <summary>The user's own folder for what can be made again.</summary>
    public static CompiledCache Default()
    {
        string? own = Environment.GetEnvironmentVariable(FolderVariable);
        string? root = own is not null ? own
            : OperatingSystem.IsWindows() ? UserFolder(Environment.SpecialFolder.LocalApplicationData, "sparseinfer", "cache")
            : OperatingSystem.IsMacOS() ? UserFolder(Environment.SpecialFolder.UserProfile, "Library", "Caches", "sparseinfer")
            : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } caches ? Path.Combine(caches, "sparseinfer")
            : UserFolder(Environment.SpecialFolder.UserProfile, ".cache", "sparseinfer");
        return new(string.IsNullOrEmpty(root) ? null : Path.GetFullPath(root));
    }

    /// <summary>A model that was compiled before, or is now.</summary>
    /// <param name="declaration">The declaration.</param>
    /// <param name="forGpu">Whether with the program for GPUs.</param>
    /// <param name="compiling">Told before it is compiled.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="CliException">The declaration breaks a rule of the language; the message is the generator's.</exception>
    public CompiledModel Get(ModelDeclaration declaration, bool forGpu, Action compiling, CancellationToken cancellationToken)
    {
        string? path = _folder is null ? null : Path.Combine(_folder, Key(declaration, forGpu) + ".dll");
        if (path is not null && Kept(declaration, path) is { } kept)
        {
            return kept;
        }

        compiling();
        using MemoryStream image = ModelCompiler.Emit(declaration, cancellationToken, forGpu);
        if (path is not null)
        {
            Keep(path, image.ToArray());
        }

        return new(declaration, ModelCompiler.Load(declaration, image), []);
    }

    /// <summary>A name for a declaration and all that an assembly of it depends on.</summary>
    internal static string Key(ModelDeclaration declaration, bool forGpu)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(declaration.ToText());
        Append(declaration.Profile?.Name ?? "");
        Append(declaration.Profile?.Text ?? "");
        Append(forGpu ? "gpu" : "cpu");
        Append(Environment.Version.ToString());
        foreach (string part in Parts.Select(name => Path.Combine(AppContext.BaseDirectory, name)).Where(File.Exists))
        {
            Append(Path.GetFileName(part));
            hash.AppendData(SHA256.HashData(File.ReadAllBytes(part)));
        }

        return System.Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(string text)
        {
            hash.AppendData(BitConverter.GetBytes(text.Length));
            hash.AppendData(Encoding.UTF8.GetBytes(text));
        }
    }

    private static string? UserFolder(Environment.SpecialFolder folder, params string[] parts) =>
        Environment.GetFolderPath(folder) is { Length: > 0 } root ? Path.Combine([root, .. parts]) : null;

    private CompiledModel? Kept(ModelDeclaration declaration, string path)
    {
        try
        {
            if (!IsOwn(_folder!) || !File.Exists(path))
            {
                return null;
            }

            byte[] file = File.ReadAllBytes(path);
            int length = file.Length - SHA256.HashSizeInBytes;
            if (length <= 0 || !SHA256.HashData(file.AsSpan(0, length)).AsSpan().SequenceEqual(file.AsSpan(length)))
            {
                // A disk or a program has damaged it: what runs of it would fail anywhere, and as this tool's fault.
                return null;
            }

            using var image = new MemoryStream(file, 0, length);
            var model = new CompiledModel(declaration, ModelCompiler.Load(declaration, image), []);
            Touch(path);
            return model;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The files used last are kept: where that cannot be noted, this one may go earlier.</summary>
    private static void Touch(string path)
    {
        try
        {
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }

    /// <summary>What is in the folder is run: others must not be able to write there, as who owns it can. A mode can be set by its owner alone.</summary>
    private static bool IsOwn(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return true;
        }

        UnixFileMode mode = File.GetUnixFileMode(folder);
        if ((mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0)
        {
            return false;
        }

        try
        {
            File.SetUnixFileMode(folder, mode);
        }
        catch (IOException exception) when (exception.HResult == ReadOnlyFileSystem)
        {
            // Nobody can write there, as in an image that was warmed when it was built.
        }

        return true;
    }

    private void Keep(string path, byte[] image)
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(_folder!);
            }
            else
            {
                Directory.CreateDirectory(_folder!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }

            if (!IsOwn(_folder!))
            {
                return;
            }

            AtomicFile.Write(path, overwrite: true, stream =>
            {
                stream.Write(image);
                stream.Write(SHA256.HashData(image));
            });
            Keeps = true;
            foreach (FileInfo old in new DirectoryInfo(_folder!).GetFiles("*.dll").OrderByDescending(file => file.LastWriteTimeUtc).Skip(MaxFiles))
            {
                old.Delete();
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It is compiled again the next time: slower, and nothing else.
        }
    }
}
