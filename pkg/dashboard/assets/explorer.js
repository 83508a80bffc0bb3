import './base.js';
