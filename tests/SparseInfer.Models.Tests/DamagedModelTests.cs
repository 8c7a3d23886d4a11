using System.Buffers.Binary;
using Models;
using SparseInfer.Files;

namespace SparseInfer.Models.Tests;

/// <summary>Hundreds of damaged models, loaded whole: each loads and runs, or gives the one exception.</summary>
public sealed class DamagedModelTests(LoadedModels models) : IDisposable
{
    private const int Changes = 500;

    private static readonly ulong[] FieldValues =
        [0, 1, 2, 31, 255, 1ul << 31, uint.MaxValue, 1ul << 32, long.MaxValue, 1ul << 63, ulong.MaxValue];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Five_hundred_mutations_of_the_bundled_model_load_or_give_the_one_error()
    {
        byte[] sound = File.ReadAllBytes(BundledFiles.ReluGguf);
        string path = _folder.At("damaged.gguf");
        File.WriteAllBytes(path, sound);
        int header = HeaderLength(BundledFiles.ReluGguf);
        int loaded = 0;
        int notFinite = 0;
        for (int seed = 0; seed < Changes; seed++)
        {
            var random = new Random(seed);
            List<(int Offset, int Length)> changed = Damage(path, sound, header, random);
            try
            {
                using ReluF16 model = Load(path, sound.Length, seed);
                loaded++;
                using Session session = model.CreateSession(new SessionOptions { Context = 4 });
                session.Forward([1, 300]);
                session.Forward([301]);
            }
            catch (ModelFormatException error)
            {
                error.Message.ShouldStartWith(path);
                error.Message.Length.ShouldBeLessThan(path.Length + 6000, $"seed {seed}");
                notFinite += error.Message.Contains("not a finite number") ? 1 : 0;
            }
            catch (Exception error) when (error is not ShouldAssertException)
            {
                throw new ShouldAssertException($"Seed {seed} gave {error.GetType().Name}: {error.Message}", error);
            }

            Mend(path, sound, changed);
        }

        // All outcomes must occur often, or the mutations are too mild or too coarse to find anything.
        TestContext.Current.TestOutputHelper!.WriteLine($"{loaded} loaded, {notFinite} had a weight that is not finite");
        loaded.ShouldBeInRange(Changes / 10, Changes * 9 / 10);
        notFinite.ShouldBeGreaterThan(Changes / 20);
    }

    private ReluF16 Load(string path, int fileLength, int seed)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            return ReluF16.Load(path, models.Device(threads: 1));
        }
        finally
        {
            (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(fileLength, $"seed {seed}");
        }
    }

    /// <summary>Makes one to three changes to the file, and returns where.</summary>
    private static List<(int Offset, int Length)> Damage(string path, byte[] sound, int header, Random random)
    {
        List<(int Offset, int Length)> changed = [];
        Span<byte> bytes = stackalloc byte[8];
        using FileStream file = File.OpenWrite(path);
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            int offset = random.Next(2) == 0 ? random.Next(header) : random.Next(header, sound.Length);
            int length = 1;
            switch (random.Next(offset < header ? 4 : 6))
            {
                case 0:
                    bytes[0] = (byte)(sound[offset] ^ (1 << random.Next(8)));
                    break;
                case 1:
                    bytes[0] = (byte)random.Next(256);
                    break;
                case 2:
                    length = 8;
                    BinaryPrimitives.WriteUInt64LittleEndian(bytes, FieldValues[random.Next(FieldValues.Length)]);
                    break;
                case 3 when random.Next(4) == 0:
                    changed.Add((offset, sound.Length - offset));
                    file.SetLength(offset);
                    continue;
                case 3:
                    length = 4;
                    BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)FieldValues[random.Next(FieldValues.Length)]);
                    break;
                default:
                    // A half that is not finite; norms, which are singles, mostly stay so.
                    length = 2;
                    offset &= ~1;
                    BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)(0x7C00 | random.Next(0x400)));
                    break;
            }

            length = Math.Min(length, sound.Length - offset);
            changed.Add((offset, length));
            file.Position = offset;
            file.Write(bytes[..length]);
        }

        return changed;
    }

    private static void Mend(string path, byte[] sound, List<(int Offset, int Length)> changed)
    {
        using FileStream file = File.OpenWrite(path);
        foreach ((int offset, int length) in changed)
        {
            file.Position = offset;
            file.Write(sound, offset, length);
        }
    }

    private static int HeaderLength(string path)
    {
        using ModelFile file = ModelFile.Open(path);
        return (int)file.Tensors.Min(tensor => tensor.Offset);
    }
}
