extern alias vocabulary;

// What the runtime takes: a bare SparsityMode is the generator's own.
global using UserMode = vocabulary::SparseInfer.SparsityMode;
