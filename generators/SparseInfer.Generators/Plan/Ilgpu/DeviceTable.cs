namespace SparseInfer.Generators.Plan.Ilgpu;

/// <summary>The GPUs that plans and the model of cost know. Figures are the vendors'; nothing here was measured.</summary>
internal static class DeviceTable
{
    /// <summary>Shared memory that a group may use without asking the driver for more, on every architecture.</summary>
    public const int MostSharedBytes = 48 * 1024;

    /// <summary>What a plan is made for where no target is declared: a mid-size device. Any GPU runs the result.</summary>
    public static readonly DeviceTarget Default = new("default", "sm_80", 32, 100, 1536, 400, 16, Integrated: false);

    public static readonly IReadOnlyList<DeviceTarget> All =
    [
        Default,
        new("xavier-agx", "sm_72", 8, 96, 2048, 136.5, 32, Integrated: true),
        new("xavier-nx", "sm_72", 6, 96, 2048, 59.7, 16, Integrated: true),
        new("orin-nano-4", "sm_87", 4, 164, 1536, 34, 4, Integrated: true),
        new("orin-nano-8", "sm_87", 8, 164, 1536, 68, 8, Integrated: true),
        new("orin-nx-8", "sm_87", 8, 164, 1536, 102.4, 8, Integrated: true),
        new("orin-nx-16", "sm_87", 8, 164, 1536, 102.4, 16, Integrated: true),
        new("orin-agx-32", "sm_87", 14, 164, 1536, 204.8, 32, Integrated: true),
        new("orin-agx-64", "sm_87", 16, 164, 1536, 204.8, 64, Integrated: true),
        new("thor-agx-128", "sm_110", 20, 228, 1536, 273, 128, Integrated: true),
        new("rtx-3060", "sm_86", 28, 100, 1536, 360, 12, Integrated: false),
        new("rtx-3090", "sm_86", 82, 100, 1536, 936, 24, Integrated: false),
        new("rtx-4070", "sm_89", 46, 100, 1536, 504, 12, Integrated: false),
        new("rtx-4090", "sm_89", 128, 100, 1536, 1008, 24, Integrated: false),
        new("rtx-5070", "sm_120", 48, 100, 1536, 672, 12, Integrated: false),
        new("rtx-5090", "sm_120", 170, 100, 1536, 1792, 32, Integrated: false),
        new("a100-40", "sm_80", 108, 164, 2048, 1555, 40, Integrated: false),
        new("a100-80", "sm_80", 108, 164, 2048, 2039, 80, Integrated: false),
        new("h100-80", "sm_90", 132, 228, 2048, 3350, 80, Integrated: false),
    ];

    /// <summary>A device by its name, or the first of an architecture; null: there is none.</summary>
    public static DeviceTarget? Find(string name) =>
        All.FirstOrDefault(target => target.Name == name)
        ?? All.FirstOrDefault(target => target.Name != Default.Name && target.Architecture == name);
}
