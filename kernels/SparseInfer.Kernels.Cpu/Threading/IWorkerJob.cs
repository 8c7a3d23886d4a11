namespace SparseInfer.Kernels.Cpu;

/// <summary>Work that every worker of a <see cref="WorkerGroup"/> does its part of.</summary>
public interface IWorkerJob
{
    /// <summary>Does one worker's part.</summary>
    /// <param name="worker">0 on the thread that called <see cref="WorkerGroup.Run"/>, else 1 to the group's count less one.</param>
    void Execute(int worker);
}
